<?php

use LoyaltyHub\Earnings;
use LoyaltyHub\Happenings;
use LoyaltyHub\Privacy;
use LoyaltyHub\Queue;
use PHPUnit\Framework\TestCase;

/**
 * What the shop itself keeps of people: told to whom it belongs, erased, and kept apart.
 */
final class PrivacyTest extends TestCase {

	private const BUYER = 'buyer@shop.example';
	private const KEPT  = array(
		'loyalty_hub_member'    => 'm_5',
		'loyalty_hub_available' => '12.50',
		'loyalty_hub_pending'   => '3.00',
		Happenings::CONSENT     => 'yes',
	);

	private Privacy $privacy;

	protected function setUp(): void {
		Shop::open();
		Shop::$user_meta = array( 7 => self::KEPT + array( 'nickname' => 'b' ), 8 => self::KEPT );
		set_transient( 'loyalty_hub_offers_7', array( 'items' => array( array( 'name' => 'Tea' ) ) ) );
		set_transient( 'loyalty_hub_offers_8', array() );
		$this->privacy = new Privacy();
	}

	public function test_what_is_kept_beside_the_account_is_exported_with_what_the_hub_keeps(): void {
		$this->hub_knows( true );
		Shop::answer( 200, array( 'id' => 'm_5', 'phone' => '+79000000001' ) );
		Shop::answer( 200, array( 'items' => array( array( 'id' => 'e_1', 'available' => '12.50' ) ) ) );
		$told = $this->exported();
		$this->assertSame( array( 'id' => 'm_5', 'watch' => 'yes', 'available' => '12.50', 'pending' => '3.00', 'offers' => '[{"name":"Tea"}]' ), $told['account-7'] );
		$this->assertSame( array( array( 'id' => 'm_5', 'phone' => '+79000000001' ), array( 'id' => 'e_1', 'available' => '12.50' ) ), array( $told['m_5'], $told['e_1'] ) );
	}

	public function test_of_an_account_that_nobody_vouches_for_no_figure_is_exported(): void {
		$this->hub_knows( false );
		$this->assertSame( array( 'account-7' => array( 'id' => 'm_5', 'watch' => 'yes' ) ), $this->exported() );
	}

	public function test_all_movements_are_exported_page_by_page(): void {
		$this->hub_knows( true );
		Shop::answer( 200, array( 'id' => 'm_5' ) );
		Shop::answer( 200, array( 'items' => array( array( 'id' => 'e_3' ) ), 'next_cursor' => 'c 3' ) );
		Shop::answer( 200, array( 'items' => array( array( 'id' => 'e_1' ) ), 'next_cursor' => null ) );
		$told = $this->exported();
		$this->assertSame( array( true, true ), array( isset( $told['e_3'] ), isset( $told['e_1'] ) ) );
		$this->assertStringEndsWith( '/members/m_5/ledger?limit=200&cursor=c%203', Shop::asked()[3][1] );
	}

	/**
	 * @dataProvider gaps
	 */
	public function test_an_export_that_would_lack_what_the_hub_keeps_is_none( int $answered ): void {
		$answers = array( array( 'member' => array( 'id' => 'm_5', 'verified' => true ) ), array( 'id' => 'm_5' ) );
		foreach ( array_slice( $answers, 0, $answered ) as $answer ) {
			Shop::answer( 200, $answer );
		}
		Shop::answer( 503, array() );
		$told = $this->privacy->export( self::BUYER );
		$this->assertInstanceOf( WP_Error::class, $told );
		$this->assertSame( array( 'loyalty_hub_away' ), array_keys( $told->errors ) );
	}

	public static function gaps(): array {
		return array( 'not even the member' => array( 0 ), 'no card' => array( 1 ), 'no movements' => array( 2 ) );
	}

	public function test_a_plugin_that_is_off_still_tells_what_is_kept(): void {
		Shop::$options['woocommerce_loyalty_hub_settings']['enabled'] = 'no';
		$this->assertSame( array( 'account-7' => array( 'id' => 'm_5', 'watch' => 'yes' ) ), $this->exported() );
		$this->assertSame( array(), Shop::$sent );
	}

	public function test_of_whom_nothing_is_kept_nothing_is_exported(): void {
		$this->assertSame( array(), $this->privacy->export( 'nobody@shop.example' )['data'] );
		unset( Shop::$user_meta[7] );
		Shop::answer( 200, array( 'member' => null ) );
		delete_transient( 'loyalty_hub_offers_7' );
		$this->assertSame( array(), $this->exported() );
	}

	public function test_figures_that_came_before_the_plugin_knew_the_member_are_exported(): void {
		unset( Shop::$user_meta[7]['loyalty_hub_member'] );
		$this->hub_knows( true );
		Shop::answer( 200, array( 'id' => 'm_5' ) );
		Shop::answer( 200, array( 'items' => array() ) );
		$this->assertSame( '12.50', $this->exported()['account-7']['available'] );
	}

	public function test_the_hub_is_told_who_wishes_to_be_erased(): void {
		$this->hub_knows( true );
		$done = $this->privacy->erase( self::BUYER );
		$this->assertStringContainsString( 'is told', $done['messages'][0] );
		$this->assertSame( array( 7 => array( 'nickname' => 'b' ), 8 => self::KEPT ), Shop::$user_meta );
		list( , $message ) = Shop::$queue[0];
		$this->assertSame( array( 'withdraw', 0 ), array_slice( $message, 0, 2 ) );

		Shop::answer( 200, array() );
		( new Queue() )->send( ...$message );
		list( $method, $url, $body ) = Shop::asked()[1];
		$this->assertSame( array( 'POST', 'https://hub.example/api/v1/members/m_5/consents' ), array( $method, $url ) );
		list( $said ) = $body['consents'];
		$this->assertEqualsWithDelta( time(), strtotime( $said['at'] ), 5 );
		$this->assertSame( array( 'purpose' => 'processing', 'given' => false, 'place' => 'site' ), array_diff_key( $said, array( 'at' => 1 ) ) );
	}

	/**
	 * @dataProvider accounts
	 */
	public function test_a_hub_that_is_away_is_told_later_of_a_proved_account( ?bool $verified, array $calls ): void {
		Shop::answer( 503, array() );
		$done = $this->privacy->erase( self::BUYER );
		$this->assertSame( array( true, true ), array( $done['items_removed'], $done['items_retained'] ) );
		$this->assertStringContainsString( 'does not answer now', $done['messages'][0] );
		list( , $message ) = Shop::$queue[0];
		$this->assertSame( 7, json_decode( $message[2], true )['account'] );

		Shop::answer( 200, array( 'member' => null === $verified ? null : array( 'id' => 'm_5', 'verified' => $verified ) ) );
		Shop::answer( 200, array() );
		( new Queue() )->send( ...$message );
		$this->assertSame( $calls, array_map( fn( array $asked ) => substr( $asked[1], strlen( 'https://hub.example/api/v1' ) ), array_slice( Shop::asked(), 1 ) ) );
		$this->assertSame( array( 'nickname' => 'b' ), Shop::$user_meta[7], 'nothing is kept again' );
	}

	public static function accounts(): array {
		return array(
			'proved'   => array( true, array( '/quotes', '/members/m_5/consents' ) ),
			'unproved' => array( false, array( '/quotes' ) ),
			'unknown'  => array( null, array( '/quotes' ) ),
		);
	}

	public function test_while_the_hub_stays_away_the_wish_waits(): void {
		Shop::answer( 503, array() );
		$this->privacy->erase( self::BUYER );
		list( , $message ) = Shop::$queue[0];
		Shop::answer( 503, array() );
		( new Queue() )->send( ...$message );
		$this->assertSame( array( 'withdraw', 0, $message[2], 1 ), Shop::$queue[1][1] );
	}

	public function test_whom_the_hub_may_know_by_other_names_the_owner_looks_for_there(): void {
		$this->assertStringContainsString( 'by phone or e-mail', $this->privacy->erase( 'guest@shop.example' )['messages'][0] );
		$this->assertSame( array(), Shop::$sent );
		Shop::$options['woocommerce_loyalty_hub_settings']['url'] = '';
		$this->assertSame( array(), $this->privacy->erase( 'guest@shop.example' )['messages'] );
	}

	public function test_nobody_withdraws_for_a_stranger(): void {
		$this->hub_knows( false );
		$done = $this->privacy->erase( self::BUYER );
		$this->assertStringContainsString( 'm_5', $done['messages'][0] );
		$this->assertSame( array(), Shop::$queue );
	}

	public function test_erasure_leaves_nothing_of_this_account_and_touches_no_other(): void {
		$this->hub_knows( false );
		$done = $this->privacy->erase( self::BUYER );
		$this->assertSame( array( true, true ), array( $done['items_removed'], $done['items_retained'] ) );
		$this->assertStringContainsString( 'm_5', $done['messages'][0] );
		$this->assertSame( array( 7 => array( 'nickname' => 'b' ), 8 => self::KEPT ), Shop::$user_meta );
		$this->assertSame( array( 'loyalty_hub_offers_8' ), array_keys( Shop::$transients ) );

		Shop::$user_meta[7]['loyalty_hub_available'] = '0.00';
		Shop::answer( 200, array( 'member' => null ) );
		Shop::answer( 200, array( 'member' => null ) );
		$this->assertSame( array( true, false ), array_slice( array_values( $this->privacy->erase( self::BUYER ) ), 0, 2 ) );
		$this->assertSame( array( false, false ), array_slice( array_values( $this->privacy->erase( self::BUYER ) ), 0, 2 ) );
		$this->assertFalse( $this->privacy->erase( 'nobody@shop.example' )['items_removed'] );
	}

	public function test_a_plugin_that_is_deleted_takes_along_what_it_kept_of_accounts(): void {
		defined( 'WP_UNINSTALL_PLUGIN' ) || define( 'WP_UNINSTALL_PLUGIN', 'loyalty-hub/loyalty-hub.php' );
		$GLOBALS['wpdb'] = new Options_Table();
		require dirname( LOYALTY_HUB_FILE ) . '/uninstall.php';
		$this->assertSame( array( 7 => array( 'nickname' => 'b' ), 8 => array() ), Shop::$user_meta );
		$this->assertStringContainsString( "LIKE '\\_transient\\_loyalty\\_hub\\_%'", $GLOBALS['wpdb']->deleted[0] );
	}

	public function test_points_of_an_article_are_kept_for_each_guest_apart(): void {
		Shop::$user     = 0;
		Shop::$products = array( 10 => new WC_Product( 10, 'TEA' ) );
		$_GET           = array( 'product' => '10' );
		$told           = array();
		foreach ( array( array( '8 900 000-00-01', '3.00' ), array( '8 900 000-00-02', '5.00' ), array( '8 900 000-00-01', null ) ) as list( $phone, $earn ) ) {
			Shop::$phone = $phone;
			if ( null !== $earn ) {
				$this->hub_earns( $earn );
			}
			( new Earnings() )->answer();
			$told[] = Shop::$json['text'];
		}
		$this->assertSame( array( 'Points that it brings: 3', 'Points that it brings: 5', 'Points that it brings: 3' ), $told );
		$this->assertCount( 2, Shop::$sent, 'the same guest is asked about once' );
		$this->assertStringNotContainsString( '900', implode( ' ', array_keys( Shop::$cache['loyalty_hub_earn'] ) ) );
		$this->assertSame( array( 'loyalty_hub_offers_7', 'loyalty_hub_offers_8' ), array_keys( Shop::$transients ), 'no row for each article' );
	}

	/** By item, name and value. */
	private function exported(): array {
		$told = array();
		foreach ( $this->privacy->export( self::BUYER )['data'] as $item ) {
			$told[ $item['item_id'] ] = array_column( $item['data'], 'value', 'name' );
		}
		return $told;
	}

	private function hub_knows( bool $verified ): void {
		Shop::answer( 200, array( 'member' => array( 'id' => 'm_5', 'verified' => $verified ) ) );
	}

	private function hub_earns( string $earn ): void {
		Shop::answer(
			200,
			array(
				'degraded' => false,
				'lines'    => array( array( 'id' => 'one', 'discount' => '0.00', 'spend' => '0.00', 'payable' => '99.00' ) ),
				'totals'   => array( 'discount' => '0.00', 'spend' => '0.00', 'payable' => '99.00' ),
				'points'   => array( 'earn' => $earn, 'spend' => '0.00', 'spend_min' => '0.00', 'spend_max' => '0.00', 'spend_step' => '1.00', 'code_required' => false ),
				'coupons'  => array(),
			)
		);
	}
}
