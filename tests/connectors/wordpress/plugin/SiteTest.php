<?php

use LoyaltyHub\Cart;
use LoyaltyHub\Options;
use LoyaltyHub\Queue;
use LoyaltyHub\Site;
use PHPUnit\Framework\TestCase;

/**
 * A copy of the shop moves no real points.
 */
final class SiteTest extends TestCase {

	protected function setUp(): void {
		Shop::open();
		Shop::$options['home'] = 'https://shop.example';
		Cart::one()->listen();
		( new Queue() )->listen();
		Site::connect();
	}

	/**
	 * @dataProvider addresses
	 */
	public function test_a_shop_is_known_by_its_address( string $home, bool $is_the_shop ): void {
		$this->move( $home );
		$this->assertSame( array( $is_the_shop, $is_the_shop ), array( Site::is_the_shop(), Options::are_complete() ) );
	}

	public static function addresses(): array {
		return array(
			'as it was'              => array( 'https://shop.example', true ),
			'before its certificate' => array( 'http://shop.example', true ),
			'with www'               => array( 'https://WWW.shop.example/', true ),
			'a subdomain'            => array( 'https://staging.shop.example', false ),
			'a folder'               => array( 'https://shop.example/staging', false ),
			'another port'           => array( 'https://shop.example:8443', false ),
			'a host of tests'        => array( 'http://shop.local', false ),
		);
	}

	public function test_a_shop_that_was_connected_before_addresses_were_kept_goes_on(): void {
		unset( Shop::$options[ Site::ADDRESSES ] );
		$this->assertTrue( Options::are_complete() );
	}

	public function test_a_copy_asks_the_hub_for_no_basket(): void {
		$this->move( 'https://staging.shop.example' );
		WC()->cart->items = array( 'a' => array( 'data' => new WC_Product( 10, 'TEA', 'Чай', '' ), 'product_id' => 10, 'variation_id' => 0, 'quantity' => 2, 'full' => 398.0, 'line_total' => 398.0, 'line_tax' => 0.0 ) );
		WC()->cart->calculate_totals();
		$this->assertSame( array(), Shop::$sent );

		$this->move( 'https://shop.example' );
		WC()->cart->calculate_totals();
		$this->assertCount( 1, Shop::$sent );
	}

	public function test_what_a_copy_would_tell_waits_for_the_owners_word(): void {
		$this->move( 'https://staging.shop.example' );
		do_action( Queue::HOOK, 'release', 13, 'h_1', 0 );
		$this->assertSame( array(), Shop::$sent );
		list( , $message ) = Shop::$queue[0];
		$this->assertSame( array( 'release', 13, 'h_1', 1 ), $message );

		$this->move( 'https://shop.example' );
		Shop::answer( 204, array() );
		do_action( Queue::HOOK, ...$message );
		$this->assertSame( array( array( 'DELETE', 'https://hub.example/api/v1/holds/h_1', null ) ), Shop::asked() );
	}

	private function move( string $home ): void {
		Shop::$options['home'] = $home;
	}
}
