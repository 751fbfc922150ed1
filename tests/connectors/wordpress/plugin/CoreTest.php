<?php

use LoyaltyHub\Core\Basket;
use LoyaltyHub\Core\Checkout;
use LoyaltyHub\Core\Hub;
use LoyaltyHub\Core\Line;
use LoyaltyHub\Core\Money;
use LoyaltyHub\Core\Quote;
use PHPUnit\Framework\TestCase;

final class CoreTest extends TestCase {

	private array $sent    = array();
	private array $answers = array();
	private int $now       = 1000;

	/**
	 * @dataProvider decimals
	 */
	public function test_money_is_read_and_written( $text, int $minor, string $written ): void {
		$this->assertSame( $minor, Money::read( $text ) );
		$this->assertSame( $written, Money::write( $minor ) );
	}

	public static function decimals(): array {
		return array(
			array( '1350.00', 135000, '1350.00' ),
			array( '0.05', 5, '0.05' ),
			array( '-0.05', -5, '-0.05' ),
			array( '7.5', 750, '7.50' ),
			array( 3, 300, '3.00' ),
		);
	}

	/**
	 * @dataProvider no_decimals
	 */
	public function test_anything_else_is_no_money( $text ): void {
		$this->expectException( UnexpectedValueException::class );
		Money::read( $text );
	}

	public static function no_decimals(): array {
		return array( array( '1.005' ), array( '1e3' ), array( '' ), array( null ), array( 1.5 ), array( '1,50' ), array( "1.50\n" ), array( array() ) );
	}

	public function test_sums_of_the_shop_are_rounded_half_up_to_kopecks(): void {
		$this->assertSame( array( 99999, 1, 101, 0 ), array_map( array( Money::class, 'of_shop' ), array( 999.985, '0.005', 1.005, '' ) ) );
	}

	public function test_article_codes_are_those_of_the_hubs_connector(): void {
		$this->assertSame( array( 'TEA', 'wc-21', null ), array( Line::sku( 'TEA', 21 ), Line::sku( '', 21 ), Line::sku( '', 0 ) ) );
	}

	public function test_the_body_of_a_quote(): void {
		$line   = new Line( 'a1', 'goods', 39800, '2', 'TEA', 'Чай' );
		$member = array( 'external' => array( 'system' => 'installation:5', 'id' => '7' ), 'verified' => true );
		$basket = new Basket( array( $line ), 'RUB', 'north', $member, 'ru', 'cod' );
		$wanted = array(
			'shop' => 'north', 'channel' => 'online', 'currency' => 'RUB', 'cart' => 'c1', 'member' => $member,
			'lines' => array( array( 'id' => 'a1', 'kind' => 'goods', 'quantity' => '2', 'amount' => '398.00', 'sku' => 'TEA', 'name' => 'Чай' ) ),
			'coupons' => array( 'SPRING' ), 'certificates' => array(), 'spend' => '100.00', 'payment' => 'cod', 'line_prices' => 'total', 'locale' => 'ru', 'explain' => 'short',
		);
		$this->assertSame( $wanted, $basket->body( '100.00', array( 'SPRING' ), 'c1' ) );
	}

	public function test_a_stranger_spends_no_points(): void {
		$this->assertNull( $this->basket( 10000, false )->body( 'max', array(), null )['spend'] );
	}

	public function test_a_cart_is_asked_about_once_until_it_changes(): void {
		$checkout = $this->checkout();
		$this->answers( $this->quoted( 10000, 1000 ), $this->quoted( 20000, 2000 ) );

		$this->assertSame( 9000, $checkout->quote( $this->basket( 10000 ) )->total( 'payable' ) );
		$this->assertSame( 9000, $this->checkout( $checkout->state() )->quote( $this->basket( 10000 ) )->total( 'payable' ) );
		$this->assertCount( 1, $this->sent );
		$this->assertSame( 18000, $checkout->quote( $this->basket( 20000 ) )->total( 'payable' ) );
		$this->assertCount( 2, $this->sent );
	}

	public function test_an_answer_is_asked_for_anew_once_it_is_over(): void {
		$checkout = $this->checkout();
		$this->answers( $this->quoted( 10000, 1000 ), $this->quoted( 10000, 0 ) );
		$checkout->quote( $this->basket( 10000 ) );
		$this->now = 1300;
		$this->assertSame( 10000, $checkout->quote( $this->basket( 10000 ) )->total( 'payable' ) );
	}

	/**
	 * @dataProvider troubles
	 */
	public function test_without_an_answer_the_full_price_stands_for_a_minute( array $answer, string $trouble ): void {
		$checkout = $this->checkout();
		$this->answers( $answer, $this->quoted( 10000, 1000 ) );

		$this->assertNull( $checkout->quote( $this->basket( 10000 ) ) );
		$this->assertSame( $trouble, $checkout->trouble() );
		$this->assertNull( $checkout->quote( $this->basket( 10000 ) ) );
		$this->assertCount( 1, $this->sent );
		$this->assertTrue( $checkout->hold( $this->basket( 10000 ), 600 ), 'the sale goes on' );
		$this->now += 60;
		$this->assertSame( 9000, $checkout->quote( $this->basket( 10000 ) )->total( 'payable' ) );
		$this->assertSame( '', $checkout->trouble() );
	}

	public static function troubles(): array {
		return array(
			'no answer within the limit' => array( array( 0, '' ), 'away' ),
			'an error'                   => array( array( 503, '{"code": "try_again"}' ), 'away' ),
			'a page of a proxy'          => array( array( 200, '<html>' ), 'degraded' ),
			'base prices'                => array( array( 200, '{"degraded": true}' ), 'degraded' ),
			'a refusal'                  => array( array( 422, '{"code": "wrong_currency"}' ), 'away' ),
			'another basket'             => array( array( 200, '{"degraded": false, "lines": [{"id": "x"}]}' ), 'away' ),
		);
	}

	/**
	 * @dataProvider answers_that_do_not_add_up
	 */
	public function test_an_answer_that_does_not_add_up_is_none( array $change ): void {
		$this->expectException( UnexpectedValueException::class );
		new Quote( array_replace_recursive( $this->quoted( 10000, 1000 )[1], $change ), $this->basket( 10000 ) );
	}

	public static function answers_that_do_not_add_up(): array {
		return array(
			'a line'          => array( array( 'lines' => array( array( 'payable' => '89.99' ) ) ) ),
			'a total'         => array( array( 'totals' => array( 'payable' => '89.99' ) ) ),
			'more than price' => array( array( 'lines' => array( array( 'discount' => '110.00', 'payable' => '-10.00' ) ) ) ),
			'no number'       => array( array( 'lines' => array( array( 'discount' => 'ten' ) ) ) ),
			'a line too many' => array( array( 'lines' => array( 1 => array( 'id' => 'a', 'discount' => '0.00', 'spend' => '0.00', 'payable' => '0.00' ) ) ) ),
			'no points'       => array( array( 'points' => null ) ),
		);
	}

	public function test_a_coupon_takes_nothing_off_delivery(): void {
		$basket = new Basket( array( new Line( 'a', 'delivery', 10000 ) ), 'RUB', null, null, 'ru' );
		$this->expectException( UnexpectedValueException::class );
		new Quote( $this->quoted( 10000, 1000 )[1], $basket );
	}

	public function test_a_hold_promises_what_was_shown(): void {
		$checkout = $this->checkout();
		$checkout->choose( '5' );
		$this->answers( $this->quoted( 10000, 1000, 500 ), array( 201, array( 'id' => 'h_1' ) ) );

		$this->assertTrue( $checkout->hold( $this->basket( 10000 ), 5400 ) );
		$this->assertSame( 'h_1', $checkout->hold_id() );
		list( $method, $url, , $body ) = $this->sent[1];
		$body                          = json_decode( $body, true );
		$this->assertSame( array( 'POST', 'https://hub.example/api/v1/holds' ), array( $method, $url ) );
		$this->assertSame( array( 'payable' => '85.00', 'spend' => '5.00', 'to_pay' => '85.00' ), $body['expect'] );
		$this->assertSame( array( 'c1', '5.00', 5400 ), array( $body['cart'], $body['spend'], $body['ttl_s'] ) );
	}

	public function test_a_basket_that_the_hub_takes_nothing_off_needs_no_hold(): void {
		$checkout = $this->checkout();
		$this->answers( $this->quoted( 10000, 0 ) );
		$this->assertTrue( $checkout->hold( $this->basket( 10000 ), 600 ) );
		$this->assertCount( 1, $this->sent );
	}

	public function test_a_price_that_changed_is_shown_before_the_order_is_made(): void {
		$checkout = $this->checkout();
		$this->answers( $this->quoted( 10000, 1000 ), array( 409, array( 'code' => 'price_changed' ) ), $this->quoted( 10000, 200 ) );
		$this->assertFalse( $checkout->hold( $this->basket( 10000 ), 600 ) );
		$this->assertNull( $checkout->hold_id() );
		$this->assertSame( 9800, $checkout->quote( $this->basket( 10000 ) )->total( 'payable' ) );
	}

	public function test_a_hub_that_goes_away_at_the_last_moment_takes_points_along_and_leaves_discounts(): void {
		$discount = $this->checkout();
		$this->answers( $this->quoted( 10000, 1000 ), array( 0, '' ) );
		$this->assertTrue( $discount->hold( $this->basket( 10000 ), 600 ) );
		$this->assertNull( $discount->hold_id() );
		$this->assertSame( 9000, $discount->quote( $this->basket( 10000 ) )->total( 'payable' ) );

		$points = $this->checkout();
		$points->choose( '5' );
		$this->answers( $this->quoted( 10000, 1000, 500 ), array( 503, array() ) );
		$this->assertFalse( $points->hold( $this->basket( 10000 ), 600 ) );
		$this->assertNull( $points->quote( $this->basket( 10000 ) ), 'the full price, shown before the next try' );
		$this->assertTrue( $points->hold( $this->basket( 10000 ), 600 ), 'which goes on' );
	}

	/**
	 * @dataProvider choices
	 */
	public function test_points_are_read_as_people_write_them( string $typed, bool $is_read, ?string $spend ): void {
		$checkout = $this->checkout( array( 'spend' => '1.00' ) );
		$this->assertSame( $is_read, $checkout->choose( $typed ) );
		$this->assertSame( $spend, $checkout->spend() );
	}

	public static function choices(): array {
		return array(
			array( '250', true, '250.00' ),
			array( ' 1 250,5 ', true, '1250.50' ),
			array( 'max', true, 'max' ),
			array( '', true, null ),
			array( '0', true, null ),
			array( '-5', false, '1.00' ),
			array( 'many', false, '1.00' ),
			array( '1.005', false, '1.00' ),
		);
	}

	public function test_codes_are_kept_once_and_dropped(): void {
		$checkout = $this->checkout();
		foreach ( array( ' SPRING ', 'SPRING', '', str_repeat( 'x', 101 ), 'MAY' ) as $typed ) {
			$checkout->add_code( $typed );
		}
		$this->assertSame( array( 'SPRING', 'MAY' ), $checkout->codes() );
		$checkout->drop_code( 'SPRING' );
		$this->assertSame( array( 'MAY' ), $checkout->codes() );
	}

	public function test_a_hint_is_signed_as_woocommerce_signs(): void {
		$this->answers( array( 200, array() ) );
		$this->hub()->hint( 'i_zz', 's3cret', 'https://shop.example/', 13, 41 );
		list( $method, $url, $headers, $body ) = $this->sent[0];
		$this->assertSame( array( 'POST', 'https://hub.example/hooks/i_zz/events', '{"action":"woocommerce_update_order","arg":13}' ), array( $method, $url, $body ) );
		// Worked out by: openssl dgst -sha256 -hmac s3cret -binary | base64
		$this->assertSame( 'gOi51zxQ+ydkI+CFe3h9JrUAf9TTM3s73MhDunewguo=', $headers['X-WC-Webhook-Signature'] );
		$this->assertSame( '41', $headers['X-WC-Webhook-Delivery-ID'] );
	}

	private function hub(): Hub {
		return new Hub(
			function ( ...$call ) {
				$this->sent[] = $call;
				return array_shift( $this->answers ) ?? array( 0, '' );
			},
			'https://hub.example/',
			'k'
		);
	}

	private function checkout( array $state = array() ): Checkout {
		return new Checkout( $this->hub(), $state, fn() => $this->now, 'c1' );
	}

	private function answers( array ...$answers ): void {
		$this->answers = array_map( fn( array $one ) => array( $one[0], is_string( $one[1] ) ? $one[1] : json_encode( $one[1] ) ), $answers );
	}

	private function basket( int $amount, bool $is_member = true ): Basket {
		$member = $is_member ? array( 'external' => array( 'system' => 'installation:5', 'id' => '7' ), 'verified' => true ) : null;
		return new Basket( array( new Line( 'a', 'goods', $amount ) ), 'RUB', null, $member, 'ru' );
	}

	private function quoted( int $amount, int $discount, int $spend = 0 ): array {
		$sums = array_map( array( Money::class, 'write' ), array( 'discount' => $discount, 'spend' => $spend, 'payable' => $amount - $discount - $spend ) );
		return array(
			200,
			array(
				'degraded'    => false,
				'valid_until' => '1970-01-01T03:21:40+03:00',
				'lines'       => array( array( 'id' => 'a' ) + $sums ),
				'totals'      => $sums,
				'points'      => array( 'earn' => '3.00', 'spend' => Money::write( $spend ), 'spend_min' => '0.00', 'spend_max' => '50.00', 'spend_step' => '1.00' ),
				'coupons'     => array(),
			),
		);
	}
}
