<?php

use LoyaltyHub\Cart;
use LoyaltyHub\Certificates;
use LoyaltyHub\Choices;
use LoyaltyHub\Core\Money;
use LoyaltyHub\Gifts;
use LoyaltyHub\Offer;
use LoyaltyHub\Orders;
use PHPUnit\Framework\TestCase;

/**
 * Gifts that come and go with their cause, and certificates that pay the order.
 */
final class GiftsTest extends TestCase {

	protected function setUp(): void {
		Shop::open();
		Cart::one()->listen();
		( new Gifts() )->listen();
		( new Certificates() )->listen();
		( new Orders() )->listen();
		Shop::$products   = array( 13 => new WC_Product( 13, 'CUP-1', 'Cup' ), 14 => new WC_Product( 14, '', 'Spoon' ) );
		WC()->cart->items = array( 'a' => array( 'data' => new WC_Product( 10, 'TEA' ), 'product_id' => 10, 'variation_id' => 0, 'quantity' => 2, 'full' => 398.0, 'line_total' => 398.0, 'line_tax' => 0.0 ) );
	}

	public function test_a_gift_comes_for_nothing_and_is_not_asked_about(): void {
		$this->hub_gives( array( 'CUP-1' => '2' ) );
		WC()->cart->calculate_totals();

		$gift = $this->gift( 'CUP-1' );
		$this->assertSame( array( 2.0, 0.0, 'p_1/CUP-1' ), array( $gift['quantity'], $gift['line_total'], $gift['loyalty_hub_gift'] ) );
		$this->assertSame( 398.0, WC()->cart->total );
		WC()->cart->calculate_totals();
		$this->assertCount( 1, Shop::$sent, 'the cart that is asked about is the same' );
		$this->assertCount( 2, WC()->cart->items );
		$this->assertSame( array( 'a' ), array_column( Shop::asked()[0][2]['lines'], 'id' ) );
	}

	public function test_a_gift_leaves_with_its_cause(): void {
		$this->hub_gives( array( 'CUP-1' => '1' ) );
		WC()->cart->calculate_totals();
		$this->change();
		$this->hub_gives( array( 'CUP-1' => '3', 'wc-14' => '1' ) );
		WC()->cart->calculate_totals();
		$this->assertSame( array( 3.0, 1.0 ), array( $this->gift( 'CUP-1' )['quantity'], $this->gift( '' )['quantity'] ) );

		$this->change();
		$this->hub_gives( array() );
		WC()->cart->calculate_totals();
		$this->assertSame( array( 'a' ), array_keys( WC()->cart->items ) );
	}

	public function test_without_an_answer_there_is_no_gift(): void {
		$this->hub_gives( array( 'CUP-1' => '1' ) );
		WC()->cart->calculate_totals();
		$this->change();
		WC()->cart->calculate_totals();
		$this->assertSame( array( 'a' ), array_keys( WC()->cart->items ) );
	}

	public function test_a_gift_that_the_buyer_takes_out_stays_out_of_this_cart(): void {
		$this->hub_gives( array( 'CUP-1' => '1' ) );
		WC()->cart->calculate_totals();
		WC()->cart->remove_cart_item( array_key_last( WC()->cart->items ) );
		WC()->cart->calculate_totals();
		$this->assertSame( array( 'a' ), array_keys( WC()->cart->items ) );

		do_action( 'woocommerce_cart_emptied', true );
		$this->hub_gives( array( 'CUP-1' => '1' ) );
		WC()->cart->calculate_totals();
		$this->assertCount( 2, WC()->cart->items );
	}

	public function test_what_the_shop_does_not_have_is_told_of_and_not_added(): void {
		Shop::$products[13]->in_stock = false;
		$this->hub_gives( array( 'CUP-1' => '1', 'wc-99' => '1', 'NONE' => '1' ) );
		WC()->cart->calculate_totals();
		$this->assertSame( array( 'a' ), array_keys( WC()->cart->items ) );
		$this->assertContains( 'A gift with this order: Gift CUP-1', Offer::of_cart()['notes'] );
	}

	public function test_a_gift_that_is_sold_one_to_an_order_does_not_stop_the_sale(): void {
		Shop::$products[13]->one_an_order = true;
		$this->hub_gives( array( 'CUP-1' => '2' ) );
		WC()->cart->calculate_totals();
		$this->assertSame( 1, $this->gift( 'CUP-1' )['quantity'] );
		$counted = WC()->cart->counted;
		$this->assertFalse( Cart::one()->renew() );
		$this->assertSame( $counted, WC()->cart->counted );

		Shop::answer( 201, array( 'id' => 'h_1' ) );
		$errors = new WP_Error();
		do_action( 'woocommerce_after_checkout_validation', array(), $errors );
		$this->assertFalse( $errors->has_errors() );
	}

	public function test_a_buyer_who_posts_more_of_a_gift_gets_what_was_given(): void {
		$this->hub_gives( array( 'CUP-1' => '2' ) );
		WC()->cart->calculate_totals();
		WC()->cart->items[ array_key_last( WC()->cart->items ) ]['quantity'] = 100;
		WC()->cart->calculate_totals();
		$this->assertSame( 2.0, $this->gift( 'CUP-1' )['quantity'] );
	}

	public function test_the_last_one_that_is_bought_is_not_given_too_and_nobody_complains(): void {
		Shop::$products[13]->stock = 1;
		$this->buy_a_cup();
		wc_add_notice( 'Welcome.', 'notice' );
		$this->hub_gives( array( 'CUP-1' => '1' ) );
		WC()->cart->calculate_totals();
		WC()->cart->calculate_totals();
		$this->assertSame( array( 'a' ), array_keys( WC()->cart->items ) );
		$this->assertSame( array( 'notice' ), array_keys( wc_get_notices() ) );
	}

	public function test_a_gift_makes_room_for_whoever_wants_to_buy_the_last_one(): void {
		Shop::$products[13]->stock = 1;
		$this->hub_gives( array( 'CUP-1' => '1' ) );
		WC()->cart->calculate_totals();
		$this->assertCount( 2, WC()->cart->items );

		Shop::$products[13]->stock = 2;
		$this->wants( 13 );
		$this->wants( 14 );
		$this->assertCount( 2, WC()->cart->items, 'there is room' );

		Shop::$products[13]->stock = 1;
		$this->wants( 13 );
		$this->assertSame( array( 'a' ), array_keys( WC()->cart->items ) );
		WC()->cart->calculate_totals();
		$this->assertCount( 2, WC()->cart->items, 'they thought better of it, and did not take the gift out' );

		$bought = WC()->cart->add_to_cart( 13 );
		$this->assertSame( array( 'a', $bought ), array_keys( WC()->cart->items ) );
		$this->assertFalse( Gifts::is( WC()->cart->items[ $bought ] ) );
		$this->assertSame( array(), wc_get_notices() );
	}

	public function test_a_gift_that_another_plugin_keeps_out_leaves_no_notice(): void {
		add_filter( 'woocommerce_add_cart_item_data', fn() => throw new Exception( 'Not with this plugin.' ) );
		wc_add_notice( 'Welcome.', 'notice' );
		$this->hub_gives( array( 'CUP-1' => '1' ) );
		WC()->cart->calculate_totals();
		$this->assertSame( array( 'a' ), array_keys( WC()->cart->items ) );
		$this->assertSame( array( 'notice' ), array_keys( wc_get_notices() ) );
	}

	/**
	 * @dataProvider shortages
	 */
	public function test_a_gift_leaves_when_the_stock_no_longer_covers_the_whole_cart( callable $happens ): void {
		Shop::$products[13]->stock = 2;
		$this->buy_a_cup();
		$this->hub_gives( array( 'CUP-1' => '1' ) );
		WC()->cart->calculate_totals();
		$this->assertCount( 2, WC()->cart->items );

		$happens( Shop::$products[13] );
		WC()->cart->calculate_totals();
		WC()->cart->calculate_totals();
		$this->assertSame( array( 'a' ), array_keys( WC()->cart->items ) );
		$this->assertSame( array(), wc_get_notices() );
		$this->assertFalse( Cart::one()->renew() );

		$cup = Shop::$products[13];
		list( $cup->stock, $cup->held, $cup->in_stock ) = array( 2, 0, true );
		WC()->cart->calculate_totals();
		$this->assertCount( 2, WC()->cart->items, 'the buyer did not take it out' );
	}

	public static function shortages(): array {
		return array(
			'another buyer was quicker' => array( fn( $cup ) => $cup->stock = 1 ),
			'another has yet to pay'    => array( fn( $cup ) => $cup->held = 1 ),
			'staff took it off sale'    => array( fn( $cup ) => $cup->in_stock = false ),
		);
	}

	public function test_a_variation_is_added_as_one(): void {
		Shop::$products[13]->type = 'variation';
		$this->hub_gives( array( 'CUP-1' => '1' ) );
		WC()->cart->calculate_totals();
		$gift = $this->gift( 'CUP-1' );
		$this->assertSame( array( 90, 13, array( 'attribute_pa_size' => 'l' ) ), array( $gift['product_id'], $gift['variation_id'], $gift['variation'] ) );
	}

	public function test_how_many_is_not_for_the_buyer_to_say(): void {
		$gift = array( 'quantity' => 2, 'loyalty_hub_gift' => 'p_1/CUP-1' );
		$this->assertSame( '2', apply_filters( 'woocommerce_cart_item_quantity', '<input>', 'k', $gift ) );
		$this->assertSame( '<input>', apply_filters( 'woocommerce_cart_item_quantity', '<input>', 'k', array( 'quantity' => 2 ) ) );
		$this->assertFalse( apply_filters( 'woocommerce_store_api_product_quantity_editable', true, null, $gift ) );
		$this->assertTrue( apply_filters( 'woocommerce_store_api_product_quantity_editable', true, null, null ) );
		$this->assertSame( 'Gift', apply_filters( 'woocommerce_get_item_data', array(), $gift )[0]['key'] );
	}

	public function test_the_order_says_which_line_is_a_gift(): void {
		foreach ( array( array( 'loyalty_hub_gift' => 'p_1/CUP-1' ), array() ) as $values ) {
			$item = new WC_Order_Item_Product( 1 );
			do_action( 'woocommerce_checkout_create_order_line_item', $item, 'k', $values, null );
			$this->assertSame( array() === $values ? '' : 'yes', $item->get_meta( Orders::GIFT ) );
		}
	}

	public function test_a_certificate_pays_the_order_and_lowers_no_price(): void {
		$this->hub_gives( array(), 15000 );
		$this->assertNull( Choices::take( array( 'certificate' => ' AAAAA-BBBBB ' ) ) );
		$this->assertSame( array( 'AAAAA-BBBBB' ), Shop::asked()[0][2]['certificates'] );
		$this->assertSame( array( 248.0, 398.0, array() ), array( WC()->cart->total, WC()->cart->items['a']['line_total'], WC()->cart->applied ) );
		$this->assertSame( array( array( 'code' => 'AAAAA-BBBBB', 'text' => 'AAAAA-BBBBB: used' ) ), Offer::of_cart()['codes'] );
		$this->assertContains( 'Paid with gift certificates: 150.00', Offer::of_cart()['notes'] );

		Shop::answer( 201, array( 'id' => 'h_1' ) );
		$errors = new WP_Error();
		do_action( 'woocommerce_after_checkout_validation', array(), $errors );
		$this->assertFalse( $errors->has_errors() );
		$held = Shop::asked()[1][2];
		$this->assertSame( array( array( 'AAAAA-BBBBB' ), '248.00' ), array( $held['certificates'], $held['expect']['to_pay'] ) );

		$order = new WC_Order( 13 );
		do_action( 'woocommerce_checkout_create_order', $order, array() );
		$this->assertSame( array( '150.00', 248.0 ), array( $order->meta[ Certificates::PAID ], $order->total ) );
		$this->assertStringNotContainsString( 'AAAAA', (string) json_encode( $order->meta ), 'a code is money, and stays off the order' );

		$order->total = 398.0; // As WooCommerce calculates it anew.
		do_action( 'woocommerce_order_after_calculate_totals', true, $order );
		$this->assertSame( 248.0, $order->total );
		$rows = apply_filters( 'woocommerce_get_order_item_totals', array( 'cart_subtotal' => 1, 'order_total' => 2 ), $order );
		$this->assertSame( array( 'cart_subtotal', 'loyalty_hub_certificates', 'order_total' ), array_keys( $rows ) );

		$this->hub_gives( array() );
		Choices::take( array( 'drop' => 'AAAAA-BBBBB' ) );
		$this->assertSame( 398.0, WC()->cart->total );
	}

	public function test_a_certificate_that_nobody_promised_stops_the_order_until_the_buyer_looked(): void {
		$this->hub_gives( array(), 39800 );
		Choices::take( array( 'certificate' => 'AAAAA-BBBBB' ) );
		$this->assertSame( 0.0, WC()->cart->total );
		$errors = new WP_Error();
		do_action( 'woocommerce_after_checkout_validation', array(), $errors ); // No answer.
		$this->assertTrue( $errors->has_errors() );
		$this->assertSame( 398.0, WC()->cart->total );
	}

	public function test_what_a_plugin_that_was_switched_off_gave_is_taken_away(): void {
		$this->hub_gives( array( 'CUP-1' => '1' ), 15000 );
		Choices::take( array( 'certificate' => 'AAAAA-BBBBB' ) );
		$this->assertSame( 248.0, WC()->cart->total );
		Shop::$options['woocommerce_loyalty_hub_settings']['enabled'] = 'no';
		WC()->cart->calculate_totals();
		$this->assertSame( array( 398.0, array( 'a' ) ), array( WC()->cart->total, array_keys( WC()->cart->items ) ) );
		WC()->cart->calculate_totals();
		$this->assertCount( 1, Shop::$sent );
	}

	/**
	 * @dataProvider later_tries
	 */
	public function test_a_draft_is_charged_in_full_once_the_certificate_of_an_earlier_try_is_gone( string $enabled, int $asked ): void {
		$this->hub_gives( array(), 15000 );
		Choices::take( array( 'certificate' => 'AAAAA-BBBBB' ) );
		Shop::answer( 201, array( 'id' => 'h_1' ) );
		$draft = new WC_Order( 13 );
		$this->post_by_blocks( $draft );
		$this->assertSame( array( '150.00', 248.0 ), array( $draft->meta[ Certificates::PAID ], $draft->total ) );

		Shop::$options['woocommerce_loyalty_hub_settings']['enabled'] = $enabled;
		$this->change();
		$this->post_by_blocks( $draft );
		$this->assertSame( array( 398.0, 398.0 ), array( WC()->cart->total, $draft->total ) );
		$this->assertSame( array(), $draft->meta );
		$this->assertCount( $asked, Shop::$sent );
	}

	public static function later_tries(): array {
		return array( 'the hub went away' => array( 'yes', 3 ), 'the plugin was switched off' => array( 'no', 2 ) );
	}

	public function test_a_total_that_nothing_of_the_hub_touched_is_left_alone(): void {
		$order        = new WC_Order( 13 );
		$order->total = 400.0; // By another plugin.
		do_action( 'woocommerce_checkout_create_order', $order, array() );
		$this->assertSame( 400.0, $order->total );
	}

	public function test_a_gift_of_a_cart_that_was_kept_leaves_a_shop_whose_plugin_is_off(): void {
		$this->hub_gives( array( 'CUP-1' => '1' ) );
		WC()->cart->calculate_totals();
		$kept             = WC()->cart->items;
		WooCommerce::$one = null; // Another session, the same account.
		WC()->cart->items = $kept;
		Shop::$options['woocommerce_loyalty_hub_settings']['enabled'] = 'no';
		WC()->cart->calculate_totals();
		$this->assertSame( array( 'a' ), array_keys( WC()->cart->items ) );
		$this->assertNull( WC()->session->get( 'loyalty_hub' ), 'nobody refused it' );
		$this->assertSame( 398.0, WC()->cart->total );
	}

	public function test_a_sum_to_pay_that_does_not_add_up_is_no_answer(): void {
		$this->hub_gives( array(), 15000, '100.00' );
		WC()->cart->calculate_totals();
		$this->assertSame( 398.0, WC()->cart->total );
	}

	/** The order button: the draft is calculated from the cart first (`OrderController::update_order_from_cart`). */
	private function post_by_blocks( WC_Order $draft ): void {
		WC()->cart->calculate_totals();
		$draft->total = array_sum( array_column( WC()->cart->items, 'line_total' ) );
		do_action( 'woocommerce_order_after_calculate_totals', true, $draft );
		do_action( 'woocommerce_store_api_checkout_update_order_from_request', $draft, new WP_REST_Request( 'POST' ) );
	}

	/** Another cart than before. */
	private function change(): void {
		WC()->cart->items['a']['quantity'] += 1;
	}

	/** As far as WooCommerce asks before it looks at the stock. */
	private function wants( int $product ): void {
		$this->assertSame( array(), apply_filters( 'woocommerce_add_cart_item_data', array(), $product, 0, 1 ) );
	}

	/** The buyer wants one of what is given, for money. */
	private function buy_a_cup(): void {
		WC()->cart->items['a'] = array( 'data' => new WC_Product( 13, 'CUP-1' ), 'product_id' => 13, 'quantity' => 1 ) + WC()->cart->items['a'];
	}

	private function gift( string $sku ): array {
		foreach ( WC()->cart->items as $item ) {
			if ( Gifts::is( $item ) && $sku === $item['data']->sku ) {
				return $item;
			}
		}
		$this->fail( 'No such gift.' );
	}

	private function hub_gives( array $gifts, int $certificates = 0, ?string $to_pay = null ): void {
		$told = array();
		foreach ( $gifts as $sku => $quantity ) {
			$told[] = array( 'promotion' => 'p_1', 'sku' => $sku, 'name' => 'Gift ' . $sku, 'quantity' => $quantity );
		}
		Shop::answer(
			200,
			array(
				'degraded'     => false,
				'valid_until'  => gmdate( 'c', time() + 300 ),
				'lines'        => array( array( 'id' => 'a', 'discount' => '0.00', 'spend' => '0.00', 'payable' => '398.00' ) ),
				'totals'       => array( 'discount' => '0.00', 'spend' => '0.00', 'payable' => '398.00', 'certificates' => Money::write( $certificates ), 'to_pay' => $to_pay ?? Money::write( 39800 - $certificates ) ),
				'points'       => array( 'earn' => '0.00', 'spend' => '0.00', 'spend_min' => '0.00', 'spend_max' => '0.00', 'spend_step' => '1.00', 'code_required' => false ),
				'coupons'      => array(),
				'certificates' => $certificates > 0 ? array( array( 'code' => 'AAAAA-BBBBB', 'status' => 'applied', 'amount' => Money::write( $certificates ), 'left' => '0.00' ) ) : array(),
				'gifts'        => $told,
			)
		);
	}
}
